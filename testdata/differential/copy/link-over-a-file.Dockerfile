FROM linked
COPY links /usr
COPY links/ /srv/real/
