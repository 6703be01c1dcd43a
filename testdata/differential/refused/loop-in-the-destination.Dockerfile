FROM linked
COPY one /srv/loop/x
