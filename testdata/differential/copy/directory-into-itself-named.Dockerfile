FROM tiny
COPY dir /srv/dir
COPY dir /srv/dir
COPY html /srv/dir
