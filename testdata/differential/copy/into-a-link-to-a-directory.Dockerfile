FROM linked
COPY one /bin/one
COPY dir /srv/way
COPY two /srv/far/
COPY one /srv/up/one
