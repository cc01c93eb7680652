"""netc"""
