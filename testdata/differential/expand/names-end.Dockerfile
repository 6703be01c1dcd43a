FROM tiny
ENV a=1 a_b=2
ENV X=$a.y Y=$a_b Z=$a-b V=${a}_b W=$a/b U=$aé
