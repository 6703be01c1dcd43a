FROM tiny
ADD archives/[gb]*.tar.* /un/
