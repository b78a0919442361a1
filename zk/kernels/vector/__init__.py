"""Vector kernels: several field elements side by side in wide registers, radix 2⁵².

lanes    elements with proved bounds, and what every multiplier shares
fma      4 lanes of doubles: AVX2 with FMA, no integer multiplier needed
ifma     8 lanes of 52-bit integers: AVX-512 IFMA
"""
