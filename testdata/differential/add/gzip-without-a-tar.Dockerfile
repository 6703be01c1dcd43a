FROM tiny
ADD archives/single.gz /un/
