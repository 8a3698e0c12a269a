package main

func Example() {
	main()
	// Output:
	// z = [0.700 0.300], λ = [0.300]
	// ∂z₀/∂p = [-0.500 0.500], ∂z₀/∂h = [0.500], unique: true
}
