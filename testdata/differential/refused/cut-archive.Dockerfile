FROM tiny
ADD archives/cut.tar.gz /un/
