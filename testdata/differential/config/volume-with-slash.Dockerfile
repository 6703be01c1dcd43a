FROM tiny
VOLUME /slash/ /a//b/./c
