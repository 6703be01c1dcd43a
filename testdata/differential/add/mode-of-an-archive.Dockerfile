FROM tiny
ADD --chmod=711 archives/gz.tar.gz /un/
