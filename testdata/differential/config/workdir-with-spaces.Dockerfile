FROM tiny
WORKDIR /with space/in it
COPY one .
