FROM tiny
ADD --unpack=false archives/gz.tar.gz /kept/
ADD --unpack=true archives/plain.tar /un/
