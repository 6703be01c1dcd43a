FROM tiny
ADD archives/odd.tar /odd/
