FROM tiny
ADD archives/archive-without-a-name /un/
