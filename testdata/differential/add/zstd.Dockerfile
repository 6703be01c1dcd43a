FROM tiny
ADD archives/zst.tar.zst /un/
