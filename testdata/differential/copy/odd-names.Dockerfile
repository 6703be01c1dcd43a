FROM tiny
COPY names /names
