FROM tiny
WORKDIR /srv/app
COPY one .
COPY two sub/
COPY dir ./dir
WORKDIR deeper
COPY one ../up
COPY two ../../
