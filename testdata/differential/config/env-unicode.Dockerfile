FROM tiny
ENV Ä=ö 名前=値 dots.in=1 dash-in=2
