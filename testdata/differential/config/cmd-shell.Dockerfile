FROM tiny
CMD echo $HOME "x y" && true
