"""What the settings are made of: typed readers of environment variables."""
