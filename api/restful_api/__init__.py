"""The image RESTful API: `/api/user/…`, its documentation at `/api/docs/` and `/api/schema/`."""
