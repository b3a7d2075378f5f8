"""The server as it is: client, models, errors and the live log stream."""
