"""The OpenAPI document of the API, made from the code that reads requests and makes answers.

``operations`` lists the routes, ``schemas`` describes bodies, ``problems`` describes errors, ``examples`` shows a request of
every kind and one job. ``python -m openapi`` writes the document. No function loads this package.
"""
