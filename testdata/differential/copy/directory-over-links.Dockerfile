FROM linked
COPY links /srv
COPY dir /bin
