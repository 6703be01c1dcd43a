FROM tiny
ADD one archives/gz.tar.gz dir /mixed/
