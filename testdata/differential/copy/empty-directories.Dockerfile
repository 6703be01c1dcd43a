FROM tiny
COPY empty /empty
COPY empty/inner /srv/
