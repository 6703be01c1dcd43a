FROM tiny
ADD --link archives/gz.tar.gz /un/
ADD --exclude=*.log deep/down /down
