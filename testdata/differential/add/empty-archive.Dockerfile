FROM tiny
ADD archives/empty.tar /none/
