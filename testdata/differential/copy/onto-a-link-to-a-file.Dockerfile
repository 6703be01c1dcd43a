FROM linked
COPY two /srv/to-file
