FROM tiny
ADD --chmod=711 one /one
ADD --chmod=640 dir /dir
