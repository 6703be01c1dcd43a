FROM linked
WORKDIR /srv/way/deeper
COPY one .
