FROM tiny
COPY links/to-file /file
COPY links/to-dir /dir
