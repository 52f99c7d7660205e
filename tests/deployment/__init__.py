"""The deployment of docker-compose.yml, started without containers: its commands and environment.

`compose` reads the file, `addresses` puts this machine's addresses in, `stack` runs it.
"""
