FROM tiny
COPY one /srv
COPY two /srv/
COPY one /home/app/.
