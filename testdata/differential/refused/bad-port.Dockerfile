FROM tiny
EXPOSE notaport
