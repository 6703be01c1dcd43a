FROM tiny
COPY html /html
COPY src /src
