"""Tests of `api.pictures_service.socketio`."""
