FROM tiny
ADD archives/over.tar /
