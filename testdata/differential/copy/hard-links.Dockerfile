FROM tiny
COPY links/first links/second /both/
