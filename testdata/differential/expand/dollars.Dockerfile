FROM tiny
ENV A=$ B=a$ C=$$ E="$" F=\\$ G=$.x
