FROM tiny
WORKDIR /opt/app
ADD archives/gz.tar.gz .
ADD one ./
