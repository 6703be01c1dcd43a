FROM tiny
ADD archives/gz.tar.gz /un
