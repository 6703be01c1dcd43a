FROM tiny
ADD archives /archives
ADD archives/gz.tar.gz /un/
