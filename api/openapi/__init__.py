"""The OpenAPI document, made from the views: what they take and give, and how they refuse."""
