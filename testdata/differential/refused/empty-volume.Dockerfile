FROM tiny
VOLUME [""]
