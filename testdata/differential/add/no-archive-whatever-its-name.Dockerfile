FROM tiny
ADD archives/not-an-archive.tar.gz /un/
ADD archives/not-an-archive.tar.gz /name
