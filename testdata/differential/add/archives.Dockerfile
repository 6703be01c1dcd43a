FROM tiny
ADD archives/plain.tar /un/
ADD archives/gz.tar.gz archives/bz2.tar.bz2 archives/xz.tar.xz /un/
COPY archives/plain.tar /kept.tar
