FROM linked
COPY two /srv/nowhere
