#!/usr/bin/env python3
"""Django's command line for this project."""

import sys

import django
from django.core.management import execute_from_command_line

from config.start import load_settings, loading

if __name__ == "__main__":
    with loading():
        load_settings()
        django.setup()
    execute_from_command_line(sys.argv)
