"""The deployment of docker-compose.yml, started without containers: its commands and environment.

`compose` reads the file, `places` says where its host names are on this machine, `stack` runs it.
"""
