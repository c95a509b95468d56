"""One module per Lambda function, under the name of the function: what it does once its event has been parsed.

What two of them share belongs in ``lifecycle``; a step never imports another step.
"""
